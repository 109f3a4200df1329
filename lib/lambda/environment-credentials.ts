/**
 * The credentials that Lambda gives in the environment, in the place of the AWS SDK's search for some: bundles have this instead. Lambda starts a new
 * environment before they expire. Everything else that the SDK would look for is not there.
 */

export function defaultProvider() {
  return async () => ({
    accessKeyId: process.env.AWS_ACCESS_KEY_ID as string,
    secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY as string,
    ...(process.env.AWS_SESSION_TOKEN !== undefined && { sessionToken: process.env.AWS_SESSION_TOKEN }),
  });
}
