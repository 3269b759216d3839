import { html, raw } from 'hono/html';
import { hashOf, policyTag } from './content-policy.js';
import { bundleWeb } from './web-bundle.js';

type Json = Record<string, unknown>;
type Content = Record<string, { schema: Json }>;
interface Operation {
  operationId: string;
  summary: string;
  parameters?: { name: string; in: string; description?: string; required?: boolean; schema: Json }[];
  requestBody?: { description?: string; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}
interface Document {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}
type Html = ReturnType<typeof html>;

/** The OpenAPI document as one page without a script, so that it works on every runtime. */
export async function docsPage(document: Document): Promise<string> {
  const { info, paths, components } = document;
  const style = await bundleWeb('docs.css');
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const policy = policyTag(["default-src 'none'", `style-src '${hashOf(style)}'`, 'img-src data:']);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
${raw(policy)}<link rel="icon" href="data:,"><title>${info.title}: the API</title>
<style>${raw(style)}</style>
</head>
<body>
<header><h1>${info.title} ${info.version}</h1>
<p>${info.description} <a href="openapi.json">openapi.json</a> says all of this to programs.</p></header>
<nav aria-label="Operations"><ul>${operations.map(
    ({ path, method, operation }) =>
      html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a> ${operation.summary}</li>`,
  )}</ul></nav>
<main>${operations.map(section)}
<h2>Schemas</h2>${Object.entries(components.schemas).map(
    ([name, schema]) =>
      html`<section id="schema-${name}"><h3>${name}</h3><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></section>`,
  )}</main>
</body>
</html>
`;
  return `${await page}`;
}

function section({ path, method, operation }: { path: string; method: string; operation: Operation }): Html {
  const { operationId, summary, parameters = [], requestBody, responses } = operation;
  return html`<section id="${operationId}"><h2><code>${method} ${path}</code></h2><p>${summary}.</p>
${parameters.map(
  ({ name, in: place, description, schema }) =>
    html`<p><code>${name}</code> (${place})${description && `: ${description}`} ${shape(schema)}</p>`,
)}
${requestBody && html`<h3>Body</h3>${requestBody.description && html`<p>${requestBody.description}</p>`}${contents(requestBody.content)}`}
<h3>Answers</h3><dl>${Object.entries(responses).map(
    ([status, { description, content }]) =>
      html`<dt>${status}</dt><dd>${marked(description)} ${content && contents(content)}</dd>`,
  )}</dl></section>
`;
}

const contents = (content: Content): Html =>
  html`<ul>${Object.entries(content).map(
    ([type, { schema }]) => html`<li><code>${type}</code>: ${shape(schema)}</li>`,
  )}</ul>`;

/** A schema of the document's own is linked, any other stands here. */
function shape(schema: Json): Html {
  const name = typeof schema.$ref === 'string' && schema.$ref.split('/').pop();
  return name ? html`<a href="#schema-${name}">${name}</a>` : html`<code>${JSON.stringify(schema)}</code>`;
}

/** Text with its \`code\`. */
const marked = (text: string): Html[] =>
  text.split('`').map((part, index) => (index % 2 ? html`<code>${part}</code>` : html`${part}`));
