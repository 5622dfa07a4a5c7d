/** Reading answers: JSON that may not be JSON, and header names in any case. */

/** The value of JSON text, or undefined when it is not JSON (no JSON text means undefined). */
export function parseJson(text: unknown): any {
  try {
    return JSON.parse(text as string);
  } catch {
    return undefined;
  }
}

/** `headers` as text under lower-case names. */
export function lowerCased(headers: Record<string, any> | undefined): Record<string, string> {
  const lower: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers || {})) lower[name.toLowerCase()] = `${value}`;
  return lower;
}
