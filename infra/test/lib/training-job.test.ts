import { readFileSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { synthesise } from '../support/synth.js';

const { templates, resources } = synthesise({ training: { gpus: 4, hours: 6 } });
const training = templates.training;
const definitions = resources('AWS::Batch::JobDefinition').map(({ Properties }) => Properties);

describe('queues', () => {
  it('cost nothing at rest and run on GPU instances', () => {
    const environments = resources('AWS::Batch::ComputeEnvironment').map(
      ({ Properties }) => Properties.ComputeResources,
    );
    expect(environments.map(({ MinvCpus }) => MinvCpus)).toEqual([0, 0]);
    expect(environments.map(({ InstanceTypes }) => InstanceTypes)).toEqual([
      ['g6.12xlarge', 'g5.12xlarge'],
      ['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge'],
    ]);
    for (const { Type } of environments) expect(Type).toBe('SPOT');
  });

  it('follow their launch template and the newest AMI', () => {
    for (const { Properties } of resources('AWS::Batch::ComputeEnvironment')) {
      const { LaunchTemplate, UpdateToLatestImageVersion } = Properties.ComputeResources;
      const id = LaunchTemplate.LaunchTemplateId.Ref;
      expect(id).toMatch(/Template/);
      expect(LaunchTemplate.Version).toEqual({ 'Fn::GetAtt': [id, 'LatestVersionNumber'] });
      expect(UpdateToLatestImageVersion).toBe(true);
      expect(Properties.ReplaceComputeEnvironment).toBe(false);
      // Only with Batch's own role can the instances of an environment be updated.
      expect(Properties.ServiceRole).toBeUndefined();
    }
  });

  it('make the cache of kernels for the image’s user', () => {
    const templates = resources('AWS::EC2::LaunchTemplate', 'training');
    expect(templates).toHaveLength(2);
    for (const { Properties } of templates) {
      const data = JSON.stringify(Properties.LaunchTemplateData.UserData);
      expect(data).toContain('multipart/mixed');
      expect(data).toContain('install -d -o 10001 -g 10001 /var/cache/cuda');
    }
  });
});

describe('training', () => {
  it('has the GPUs, goes on after Spot, and ends in time', () => {
    training?.hasResourceProperties('AWS::Batch::JobDefinition', {
      Parameters: { run: 'runs/default', data: 'data/fer2013' },
      Timeout: { AttemptDurationSeconds: 6 * 3600 },
      RetryStrategy: {
        Attempts: 5,
        EvaluateOnExit: [
          { Action: 'RETRY', OnStatusReason: 'Host EC2*' },
          { Action: 'EXIT', OnReason: '*' },
        ],
      },
      ContainerProperties: {
        ResourceRequirements: Match.arrayWith([{ Type: 'GPU', Value: '4' }]),
      },
    });
  });
});

it('installs all that training needs at one version each', () => {
  const read = (name: string) =>
    readFileSync(new URL(`../../../scripts/train/engines/torch/${name}`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'));
  const pins = read('requirements-jobs.txt');
  for (const pin of pins) expect(pin).toMatch(/^[\w-]+==[\d.]+$/);
  const names = (lines: string[]) => lines.map((line) => line.split(/[=>]/)[0]);
  expect(names(pins)).toEqual(names(read('requirements.txt')));
  const script = readFileSync(new URL('../../jobs/train.sh', import.meta.url), 'utf8');
  expect(script).toContain('install --quiet --disable-pip-version-check -r engine/requirements-jobs.txt');
});

describe('scoring', () => {
  const scoring = definitions.find(({ EcsProperties }) => EcsProperties);

  it('goes on where it was: another attempt, time enough, the script as it was tested', () => {
    expect(scoring.RetryStrategy.Attempts).toBe(3);
    expect(scoring.Timeout.AttemptDurationSeconds).toBe(24 * 3600);
    const [, { Command }] = scoring.EcsProperties.TaskProperties[0].Containers;
    const script = readFileSync(new URL('../../jobs/score.py', import.meta.url), 'utf8');
    expect(Command).toEqual([
      'bash',
      '-c',
      expect.stringMatching(/awscli==[\d.]+ && exec python3 -c "\$0"$/),
      script,
    ]);
    // Batch and ECS fill these in.
    expect(script).not.toMatch(/Ref::|\$\(/);
  });

  it('serves on the GPU and drives from beside it', () => {
    const [server, driver] = scoring.EcsProperties.TaskProperties[0].Containers;
    expect(server.ResourceRequirements).toContainEqual({ Type: 'GPU', Value: '1' });
    expect(server.Essential).toBe(false);
    expect(driver.Essential).toBe(true);
    // The driver knows what the server takes.
    const limit = { Name: 'MAX_BODY_BYTES', Value: `${10 * 1024 * 1024}` };
    for (const { Environment } of [server, driver]) expect(Environment).toContainEqual(limit);
    // How many children there are is said at submission, and Batch's variable says it to them.
    expect(JSON.stringify(driver.Environment)).not.toContain('SHARDS');
    expect(server.MountPoints).toEqual([
      { ContainerPath: '/var/cache/cuda', ReadOnly: false, SourceVolume: 'cuda-cache' },
    ]);
  });
});

it('asks for permission to pull an image of somebody’s ECR, and for none otherwise', () => {
  const pulls = (stack: ReturnType<typeof synthesise>) =>
    stack
      .resources('AWS::IAM::Policy', 'training')
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action.includes('ecr:BatchGetImage'))
      .map(({ Resource }) => Resource);
  const image = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/torch:1';
  const arn = 'arn:aws:ecr:eu-central-1:123456789012:repository/torch';
  const theirs = pulls(synthesise({ images: { jobs: image } }));
  expect(theirs.flat().filter((resource) => resource === arn)).toHaveLength(2);
  expect(JSON.stringify(pulls(synthesise()))).not.toContain('repository/torch');
});

it('lets jobs read and write their prefixes, and delete nothing', () => {
  const actions = resources('AWS::IAM::Policy', 'training').flatMap(({ Properties }) =>
    Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action),
  );
  expect(actions.filter((action) => action.startsWith('s3:')).sort()).toEqual(
    expect.arrayContaining(['s3:GetObject', 's3:ListBucket', 's3:PutObject']),
  );
  expect(actions.filter((action) => /Delete|\*$/.test(action))).toEqual([]);
});
