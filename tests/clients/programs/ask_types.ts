// Asks the register with fetch and the types that openapi-typescript makes: ADDRESS CLAIMS -> answers as JSON.
import type { components, paths } from "./register";

type Claim = components["schemas"]["Claim"];
type Answer = paths["/api/v1/verify"]["post"]["responses"]["200"]["content"]["application/json"];
type Rows = paths["/api/v1/verify/batch"]["post"]["responses"]["200"]["content"]["application/json"];
declare const process: { argv: string[] };
declare function require(name: "node:fs"): { readFileSync(path: string, encoding: "utf-8"): string };

/** Make a claim with every field set by its name. */
function makeClaim(given: any): Claim {
  const from = given.provider;
  return {
    id: given.id,
    provider: {
      name: from.name,
      address: from.address,
      uscc: from.uscc,
      practice_licence_no: from.practice_licence_no,
      code: from.code,
      domain: from.domain,
    },
    techniques: given.techniques,
    on: given.on,
    known_at: given.known_at,
    practitioner: { name: given.practitioner.name },
    ad_certificate: given.ad_certificate,
    text: given.text,
    receipt: given.receipt,
  };
}

async function post<T>(address: string, body: unknown): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

async function main(): Promise<void> {
  const [address, file] = process.argv.slice(2);
  const claims: Claim[] = JSON.parse(require("node:fs").readFileSync(file, "utf-8")).claims.map(makeClaim);
  const answers = [];
  for (const claim of claims) {
    const { id, verdict, receipt } = await post<Answer>(`${address}/api/v1/verify`, claim);
    answers.push({ id, verdict, receipt });
  }
  const nobody: Claim = { provider: { address: "三道街115号" }, techniques: [], receipt: false };
  const rows = await post<Rows>(`${address}/api/v1/verify/batch`, { claims: [claims[0], nobody], receipt: false });
  const batch = rows.answers.map((row) => (row.error ? row.error.code : row.verdict));
  console.log(JSON.stringify({ answers, batch }));
}

void main();
