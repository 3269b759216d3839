/** The events that Lambda is called with, made of requests as AWS makes them, and answers made of results. */

/** What a handler gives back, in any of the shapes. */
export interface LambdaResult {
  statusCode: number;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  body: string;
  isBase64Encoded: boolean;
}

interface Parts {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string>;
  body: { body: string; isBase64Encoded: boolean };
}

/** Gateways and load balancers alike pass text on as it is and encode everything else. */
const TEXT = /^(text\/|application\/(json|javascript|xml))/;

export async function partsOf(path: string, init: RequestInit = {}): Promise<Parts> {
  const request = new Request(`https://mien.example${path}`, init);
  const { pathname, searchParams, host } = new URL(request.url);
  const bytes = Buffer.from(await request.arrayBuffer());
  const text = TEXT.test(request.headers.get('content-type') ?? '');
  return {
    method: request.method,
    path: pathname,
    query: searchParams,
    headers: {
      ...Object.fromEntries(request.headers),
      host,
      ...(bytes.length > 0 && { 'content-length': `${bytes.length}` }),
    },
    body: { body: bytes.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text && bytes.length > 0 },
  };
}

/** Payload format 2.0: API Gateway's HTTP APIs. Without a body the field is absent. */
export function httpApiEvent({ method, path, query, headers, body }: Parts) {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query.toString(),
    headers,
    ...(query.size > 0 && { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api-id',
      domainName: 'mien.example',
      domainPrefix: 'mien',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'gateway-request-id',
      routeKey: '$default',
      stage: '$default',
      time: '01/Jan/2026:00:00:00 +0000',
      timeEpoch: 1767225600000,
    },
    ...(body.body ? body : { isBase64Encoded: false }),
  };
}

/** Payload format 2.0 too, with an address of Lambda's own. */
export function functionUrlEvent(parts: Parts) {
  const event = httpApiEvent(parts);
  const domainName = 'url-id.lambda-url.eu-west-1.on.aws';
  return {
    ...event,
    headers: { ...event.headers, host: domainName },
    requestContext: { ...event.requestContext, accountId: 'anonymous', apiId: 'url-id', domainName },
  };
}

const elb = {
  elb: {
    targetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/mien/0123456789abcdef',
  },
};

/** A load balancer's target group, as it comes: one value a header. */
export function albEvent({ method, path, query, headers, body }: Parts) {
  const queryStringParameters = Object.fromEntries(query);
  return { requestContext: elb, httpMethod: method, path, queryStringParameters, headers, ...body };
}

/** The same with multi-value headers turned on: lists in both directions. */
export function albMultiValueEvent({ method, path, query, headers, body }: Parts) {
  const lists = (entries: Iterable<[string, string]>) =>
    Object.fromEntries([...entries].map(([name, value]) => [name, [value]]));
  return {
    requestContext: elb,
    httpMethod: method,
    path,
    multiValueQueryStringParameters: lists(query),
    multiValueHeaders: lists(Object.entries(headers)),
    ...body,
  };
}

export function responseOf({ statusCode, headers, multiValueHeaders, body, isBase64Encoded }: LambdaResult) {
  const lists = Object.entries(multiValueHeaders ?? {}).map(([name, values]) => [name, values.join(', ')]);
  const all = { ...headers, ...Object.fromEntries(lists) };
  return new Response(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'), {
    status: statusCode,
    headers: all,
  });
}
