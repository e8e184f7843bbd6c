// A SCIM endpoint over the scimmy library, everything in memory: node app.mjs PORT TOKEN
// The library parses, filters, patches and pages. Identifiers, storage and uniqueness are this file's.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, token] = [Number(process.argv[2]), process.argv[3]];

const notFound = (id) => new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);

/** Gives one resource type a store in which no two resources share `uniqueAttribute`. */
function keepInMemory(resourceType, uniqueAttribute) {
  const store = new Map();
  const spelled = (resource) => String(resource[uniqueAttribute] ?? "").toLowerCase();

  function save(resource, data) {
    const incoming = JSON.parse(JSON.stringify(data));
    const known = resource.id ? store.get(resource.id) : undefined;
    if (resource.id && !known) throw notFound(resource.id);
    const taken = [...store.values()].some((other) => other.id !== resource.id && spelled(other) === spelled(incoming));
    if (taken) throw new SCIMMY.Types.Error(409, "uniqueness", `${uniqueAttribute} is taken`);
    const now = new Date().toISOString();
    const id = known?.id ?? randomUUID();
    const saved = { ...incoming, id, meta: { created: known?.meta.created ?? now, lastModified: now } };
    store.set(id, saved);
    return saved;
  }

  function read(resource) {
    if (resource.id) {
      if (!store.has(resource.id)) throw notFound(resource.id);
      return store.get(resource.id);
    }
    const everything = [...store.values()];
    return resource.filter ? resource.filter.match(everything) : everything;
  }

  function remove(resource) {
    if (!store.delete(resource.id)) throw notFound(resource.id);
  }

  return SCIMMY.Resources.declare(resourceType).ingress(save).egress(read).degress(remove);
}

keepInMemory(SCIMMY.Resources.User, "userName").extend(SCIMMY.Schemas.EnterpriseUser);
keepInMemory(SCIMMY.Resources.Group, "displayName");

const authenticate = (request) => {
  const [scheme, credentials] = (request.header("Authorization") ?? "").split(" ");
  if (scheme.toLowerCase() !== "bearer" || credentials !== token) throw new Error("Bearer token missing or wrong");
  return "client";
};

const app = express();
app.use("/scim/v2", new SCIMMYRouters({ type: "bearer", handler: authenticate }));
app.listen(port, "127.0.0.1");
