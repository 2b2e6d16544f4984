// The package's own server on the port that is free, and what it prints is where.
import http from 'node:http';
import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';

const schema = buildSchema('type Query { hello: String } type Mutation { hello: String }');
const handler = createHandler({ schema, rootValue: { hello: () => 'world' } });
const server = http.createServer((request, response) => {
  if (request.url.split('?')[0] === '/graphql') return handler(request, response);
  response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
