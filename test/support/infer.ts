/** Inference requests in the Open Inference Protocol's binary form. */
const CROP_BYTES = 48 * 48;

/** @param crops uint8 [n, 48, 48] */
export function inferRequest(crops: Uint8Array): { body: Buffer; headers: Record<string, string> } {
  const parameters = { binary_data_size: crops.length };
  const shape = [crops.length / CROP_BYTES, 48, 48, 1];
  const json = JSON.stringify({ inputs: [{ name: 'crops', datatype: 'UINT8', shape, parameters }] });
  return {
    body: Buffer.concat([Buffer.from(json), crops]),
    headers: { 'inference-header-content-length': `${json.length}` },
  };
}

export const infer = (url: string, crops: Uint8Array, init: RequestInit = {}): Promise<Response> => {
  const { body, headers } = inferRequest(crops);
  return fetch(`${url}/v2/models/mien/infer`, { method: 'POST', body: body as BodyInit, headers, ...init });
};
