// Brings a song home with the client that @hey-api/openapi-ts makes: song.js API_URL API_KEY.

import { createHash } from "node:crypto";
import { createClient } from "./client/client";
import { readJob, submitJob } from "./client/sdk.gen";
import type { Job } from "./client/types.gen";

const ENDS = ["SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"];

async function main(apiUrl: string, apiKey: string): Promise<void> {
  const client = createClient({ baseUrl: apiUrl, auth: apiKey });
  const created = await submitJob({
    client,
    throwOnError: true,
    headers: { "Idempotency-Key": "typescript-client-1" },
    body: { gateway: "ttapi", kind: "music", input: { prompt: "A folk song about harbour lights" } },
  });
  if (!("job_id" in created.data)) throw new Error("a dry run");
  let job: Job = created.data;
  while (!ENDS.includes(job.state)) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    job = (await readJob({ client, throwOnError: true, path: { job_id: job.job_id } })).data;
  }
  for (const track of job.tracks) {
    for (const asset of track.assets) {
      if (asset.url === undefined) throw new Error("no url");
      const content = Buffer.from(await (await fetch(asset.url)).arrayBuffer());
      const digest = createHash("sha256").update(content).digest("hex");
      if (digest !== asset.sha256) throw new Error("other bytes");
      console.log(job.state, asset.kind, content.length, digest);
    }
  }
}

const [apiUrl, apiKey] = process.argv.slice(2);
if (apiUrl === undefined || apiKey === undefined) throw new Error("song.js API_URL API_KEY");
void main(apiUrl, apiKey);
