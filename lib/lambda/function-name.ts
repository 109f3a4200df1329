/** A function's name in AWS, by which it is deployed and found again. */

/** The name of a function of an application. */
export function deployedNameOf(application: string, functionName: string): string {
  return `${application}-${functionName}`;
}
