/** The environments that the templates give to the server, read by the server's own configuration. */
import { describe, expect, it } from 'vitest';
import { readDockerfile } from '../support/dockerfile.js';
import { synthesise } from '../support/synth.js';

// By an address, as it belongs to the root's project and its types.
const { readConfig, settings } = await import(
  new URL('../../../src/handlers/config.ts', import.meta.url).href
);

const { resources } = synthesise({ server: { batchMax: 64, batchWaitMs: 5, queueMax: 512 } });
const pairs = (list: { Name: string; Value: string }[]) =>
  Object.fromEntries(list.map(({ Name, Value }) => [Name, Value]));

const [task] = resources('AWS::ECS::TaskDefinition');
const ecs = task?.Properties.ContainerDefinitions[0];
const scoring = resources('AWS::Batch::JobDefinition').find(({ Properties }) => Properties.EcsProperties);
const [server] = scoring?.Properties.EcsProperties.TaskProperties[0].Containers ?? [];
const [model] = resources('AWS::SageMaker::Model');

/** What the image says, as far as the server reads it. */
const { stages } = readDockerfile();
const image = stages.get('sagemaker')?.steps.find(({ keyword }) => keyword === 'ENV')?.pairs;

const ENVIRONMENTS = {
  ecs: pairs(ecs.Environment),
  scoring: pairs(server.Environment),
  sagemaker: model?.Properties.PrimaryContainer.Environment,
} as Record<string, Record<string, string>>;

describe.each(Object.entries(ENVIRONMENTS))('the environment of %s', (name, environment) => {
  it('has only what the server knows', () => {
    // AWS_REGION is CDK's; KEYS_VERSION is there to be changed.
    const strange = Object.keys(environment).filter(
      (key) => !(key in settings.shape) && !['AWS_REGION', 'KEYS_VERSION'].includes(key),
    );
    expect(strange).toEqual([]);
  });

  it('is a configuration of the server, on the GPU, batching as configured', () => {
    // SageMaker's `serve` answers everybody who got past AWS; ECS fills in the keys.
    const given = { ecs: { API_KEYS: 'a'.repeat(64) }, sagemaker: { ANONYMOUS: 'allow' } }[name];
    const config = readConfig({ ...image, ...environment, ...given });
    expect(config).toMatchObject({
      PORT: 8080,
      BACKEND: 'node-gpu',
      BATCH_MAX: 64,
      BATCH_WAIT_MS: 5,
      QUEUE_MAX: 512,
    });
    expect(config.HOST).toBe(name === 'scoring' ? '127.0.0.1' : '0.0.0.0');
  });
});

it('lets the same web pages ask the GPU and the fallback', async () => {
  const { readGuard } = await import(new URL('../../../src/handlers/guard.ts', import.meta.url).href);
  const corsOrigins = ['https://example.org', 'http://localhost:5173'];
  const { resources } = synthesise({ corsOrigins });
  const [gpu] = resources('AWS::ECS::TaskDefinition');
  const [fallback] = resources('AWS::Lambda::Function');
  for (const { CORS_ORIGINS } of [
    pairs(gpu?.Properties.ContainerDefinitions[0].Environment),
    fallback?.Properties.Environment.Variables,
  ])
    expect(readGuard({ CORS_ORIGINS }).corsOrigins).toEqual(corsOrigins);
});

it('would be refused without keys on ECS (control)', () => {
  expect(() => readConfig({ ...image, ...ENVIRONMENTS.ecs })).toThrow('set API_KEYS');
});

it('gives ECS the keys from the secret', () => {
  expect(pairs(ecs.Secrets.map(({ Name }: { Name: string }) => ({ Name, Value: '' })))).toEqual({
    API_KEYS: '',
  });
});
