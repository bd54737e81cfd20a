// A certified OpenID provider (npm's oidc-provider) that knows one client and lets anybody in:
// node identity_provider.js PORT CLIENT SECRET ADDRESS, where the last is that of the application.

import { createRequire } from "node:module";

const { Provider } = createRequire(import.meta.url)("oidc-provider");
const [port, client, secret, address] = process.argv.slice(2);

const account = (id) => ({ sub: id, name: `Dr ${id}`, preferred_username: id, groups: ["haematology"] });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: client,
    client_secret: secret,
    redirect_uris: [`${address}/sign-in/provider/answer`],
    post_logout_redirect_uris: [`${address}/sign-in`],
  }],
  claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"], email: ["email"] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => account(id) }),
  pkce: { required: () => true },
});

provider.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
