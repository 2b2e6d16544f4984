// A server of GraphQL over WebSocket (graphql-ws) and over SSE (graphql-sse): node subscriptions.mjs PORT.
// Prints its port, and a line for each operation that it begins.
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { GraphQLInt, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-sse/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const begins = (what) => console.log(`begins ${what}`);
const object = (name, fields) => new GraphQLObjectType({ name, fields });
const schema = new GraphQLSchema({
  query: object('Query', { one: { type: GraphQLInt, resolve: () => 1 } }),
  // Never answered.
  mutation: object('Mutation', {
    buy: { type: GraphQLInt, resolve: () => { begins('mutation'); return new Promise(() => {}); } },
  }),
  subscription: object('Subscription', {
    tick: {
      type: GraphQLInt,
      async *subscribe() {
        begins('subscription');
        for (let tick = 0; ; tick += 1) {
          yield { tick };
          await pause(50);
        }
      },
    },
  }),
});
const events = createHandler({ schema });
const server = http.createServer((request, response) => events(request, response));
useServer({ schema }, new WebSocketServer({ server, path: '/graphql' }));
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(server.address().port));
