// Audits two servers: node audit.mjs ALONE THROUGH. Fails where the second one fails a MUST or a SHOULD
// that the first one passes.
import { auditServer } from 'graphql-http';

const [alone, through] = process.argv.slice(2);
const audit = async (url) => new Map((await auditServer({ url })).map((it) => [it.id, it]));
const level = ({ name }) => name.split(' ')[0];

const [direct, proxied] = [await audit(alone), await audit(through)];
const passed = (audits) => [...audits.values()].filter((it) => it.status === 'ok').length;
console.log(`audits: ${direct.size}; passed alone: ${passed(direct)}, through guichet: ${passed(proxied)}`);
let lost = 0;
for (const [id, it] of proxied) {
  const before = direct.get(id);
  if (it.status === 'ok') {
    if (before.status !== 'ok') console.log(`gained ${id}: ${it.name}`);
    continue;
  }
  const fatal = before.status === 'ok' && ['MUST', 'SHOULD'].includes(level(it));
  if (fatal) lost += 1;
  console.log(`${fatal ? 'LOST' : 'noted'} ${id}: ${it.name}: ${it.reason} (alone: ${before.status})`);
}
process.exit(lost === 0 && direct.size >= 50 ? 0 : 1);
