import { describe, expect, it } from 'vitest';
import { ConfigError, isExample, parseConfig } from '../../lib/config.js';

describe('parseConfig', () => {
  it('has a default for everything', () => {
    const config = parseConfig();
    expect(config.gpu).toEqual({
      instanceTypes: ['g6.xlarge', 'g5.xlarge', 'g4dn.xlarge'],
      minTasks: 1,
      maxTasks: 4,
      requestsPerTarget: 450,
      cpuPercent: 60,
      spotPercent: 0,
      deployment: 'spare',
      terminationProtection: false,
    });
    expect(isExample(config)).toBe(true);
  });

  it('keeps the defaults beside what is set', () => {
    expect(parseConfig({ gpu: { maxTasks: 8 } }).gpu).toMatchObject({ maxTasks: 8, minTasks: 1 });
  });

  it.each([
    [{ gpu: { maxTask: 8 } }, /gpu: Unrecognized key: "maxTask"/],
    [{ gpu: { minTasks: 5, maxTasks: 4 } }, /gpu: minTasks must not exceed maxTasks/],
    [{ gpu: { instanceTypes: ['m5.xlarge'] } }, /gpu\.instanceTypes\.0/],
    [{ stage: 'Prod-1' }, /stage: must be 1 to 12 lower-case letters or digits/],
    [{ domain: { name: 'a.org', zoneName: 'b.org', zoneId: 'Z1' } }, /domain: name must lie in zoneName/],
    [{ fallback: { timeout: 30 } }, /fallback\.timeout/],
    [{ server: { queueMax: 200 } }, /alarms\.queueLength: must be below server\.queueMax/],
    [{ alarmEmail: 'nobody' }, /alarmEmail/],
    [{ network: { cidr: '10.42.0.0/19' } }, /network\.cidr: must be a \/16, a \/17 or a \/18/],
    [{ network: { cidr: '10.42.0.0/24' } }, /network\.cidr: must be a \/16, a \/17 or a \/18/],
    [{ network: { cidr: '10.42.0.256/16' } }, /network\.cidr: Invalid IPv4 range/],
    [{ training: { scoreTypes: ['g5.12xlarge'] } }, /training\.scoreTypes\.0: must have one GPU/],
    [{ corsOrigins: ['*'] }, /corsOrigins\.0: must be an origin, as https:\/\/example\.org/],
    [{ corsOrigins: ['https://example.org/'] }, /corsOrigins\.0: must be an origin/],
    [{ images: { gpuTag: 'gpu 1' } }, /images\.gpuTag: must be a tag/],
    [{ images: { repository: 'mien//gpu' } }, /images\.repository: must be a repository/],
    [{ sagemaker: { instanceType: 'ml.m5.large' } }, /sagemaker\.instanceType: must have a GPU/],
    [{ training: { shards: 8 } }, /training: Unrecognized key: "shards"/],
  ])('refuses %j', (input, message) => {
    expect(() => parseConfig(input)).toThrow(ConfigError);
    expect(() => parseConfig(input)).toThrow(message);
  });

  it('names every fault at once', () => {
    expect(() => parseConfig({ stage: '', rateLimit: 1 })).toThrow(/stage: .*\nrateLimit: /s);
  });
});
