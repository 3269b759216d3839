/** The OpenAPI document as a module, for bundlers. Not TypeScript, since the compiler would look for the JSON. */
import openApi from '../../dist/assets/openapi.json';

export default openApi;
