// A SCIM endpoint by the plugin of better-auth, everything in memory: node app.mjs PORT TOKEN
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { getAuthTables } from "better-auth/db";
import { toNodeHandler } from "better-auth/node";
import { scim } from "@better-auth/scim";

const [port, token] = [Number(process.argv[2]), process.argv[3]];
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "only-for-a-test-on-the-loopback-interface",
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [scim({ connections: [{ id: "test", credentials: [{ type: "bearer", id: "test", token }] }] })],
};
const tables = Object.fromEntries(Object.values(getAuthTables(options)).map((table) => [table.modelName, []]));
const auth = betterAuth({ ...options, database: memoryAdapter(tables) });
createServer(toNodeHandler(auth)).listen(port, "127.0.0.1");
