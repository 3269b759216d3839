declare const openApi: Record<string, unknown>;
export default openApi;
