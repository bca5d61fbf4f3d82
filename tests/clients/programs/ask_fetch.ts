// Asks the register with the client that openapi-generator makes for typescript-fetch: ADDRESS CLAIMS -> answers as JSON.
import { Configuration, DefaultApi, type Claim } from "./client";

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
      practiceLicenceNo: from.practice_licence_no,
      code: from.code,
      domain: from.domain,
    },
    techniques: given.techniques,
    on: new Date(given.on),
    knownAt: new Date(given.known_at),
    practitioner: { name: given.practitioner.name },
    adCertificate: given.ad_certificate,
    text: given.text,
    receipt: given.receipt,
  };
}

async function main(): Promise<void> {
  const [address, file] = process.argv.slice(2);
  const api = new DefaultApi(new Configuration({ basePath: address }));
  const claims: Claim[] = JSON.parse(require("node:fs").readFileSync(file, "utf-8")).claims.map(makeClaim);
  const answers = [];
  for (const claim of claims) {
    const { id, verdict, receipt } = await api.verify({ claim });
    answers.push({ id, verdict, receipt });
  }
  const nobody: Claim = { provider: { address: "三道街115号" } };
  const rows = await api.verifyBatch({ batchClaims: { claims: [claims[0], nobody] } });
  const batch = rows.answers.map((row) => (row.error ? row.error.code : row.verdict));
  console.log(JSON.stringify({ answers, batch }));
}

void main();
