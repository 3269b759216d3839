import { aws_ecs as ecs, aws_iam as iam, type aws_logs as logs } from 'aws-cdk-lib';
import { METRICS_PATH, NAMESPACE, PORT, QUEUE_METRIC } from './server.js';

/** Everything else that Prometheus would see stays in the task: a custom metric costs 0.30 USD a month. */
const agentConfig = (logGroup: string) => ({
  logs: {
    metrics_collected: {
      prometheus: {
        log_group_name: logGroup,
        prometheus_config_path: 'env:PROMETHEUS_CONFIG_CONTENT',
        emf_processor: {
          metric_namespace: NAMESPACE,
          metric_declaration: [
            {
              source_labels: ['service'],
              label_matcher: '^mien$',
              dimensions: [['service', 'stage']],
              metric_selectors: [`^${QUEUE_METRIC}$`],
            },
          ],
        },
      },
    },
    force_flush_interval: 5,
  },
});

/** The stage is a label, and so a dimension: two stages of an account have a queue each. */
const prometheusConfig = (stage: string) => `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: mien
    metrics_path: ${METRICS_PATH}
    static_configs:
      - targets: ['127.0.0.1:${PORT}']
        labels: { service: mien, stage: '${stage}' }
`;

export interface MetricsAgentProps {
  image: string;
  stage: string;
  /** Where the figures pass through on their way to CloudWatch. */
  logGroup: logs.ILogGroup;
  logging: ecs.LogDriver;
}

/** Adds the CloudWatch agent to a task: it scrapes the server and publishes the length of its queue. */
export function addMetricsAgent(
  task: ecs.TaskDefinition,
  { image, stage, logGroup, logging }: MetricsAgentProps,
): void {
  task.addContainer('agent', {
    image: ecs.ContainerImage.fromRegistry(image),
    // The endpoint goes on answering without its metrics; the alarm then says that they are missing.
    essential: false,
    // Nobody else starts it again: ECS replaces a task for its essential containers only.
    enableRestartPolicy: true,
    cpu: 128,
    memoryLimitMiB: 256,
    logging,
    environment: {
      CW_CONFIG_CONTENT: JSON.stringify(agentConfig(logGroup.logGroupName)),
      PROMETHEUS_CONFIG_CONTENT: prometheusConfig(stage),
    },
  });
  task.addToTaskRolePolicy(
    new iam.PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  );
}
