// A real OpenID provider (npm's oidc-provider) on loopback, which believes whatever name one types.
// PORT, CALLBACK: where codes are sent. Claims of a person are made of the name typed: `carol` has
// the address carol@example.org, proven unless the name ends in `-unproven`.
import Provider from "oidc-provider";

const issuer = `http://127.0.0.1:${process.env.PORT}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "rapidserve",
      client_secret: "between us",
      redirect_uris: process.env.CALLBACK.split(" "),
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
  },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({
      sub: `subject of ${id}`,
      name: `${id} by the provider`,
      preferred_username: id,
      email: `${id}@example.org`,
      email_verified: !id.endsWith("-unproven"),
    }),
  }),
  cookies: { keys: ["only for tests"] },
});
provider.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("ready"));
