/** Stands in for dist/lambda where `npm run lambda:build` has not run: templates can be made, photos not answered. */
export const handler = async () => ({
  statusCode: 503,
  headers: { 'content-type': 'application/json', 'retry-after': '60' },
  body: JSON.stringify({
    error: { code: 'not_deployed', message: 'This function was deployed without its code.' },
  }),
});
