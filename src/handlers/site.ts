/** What people read in a browser, as the build makes it (scripts/build/assets.ts). */
export interface Site {
  /** HTML of the page. */
  page: string;
  /** HTML that shows the document below. */
  docs: string;
  /** The OpenAPI document. */
  openApi: Record<string, unknown>;
}
