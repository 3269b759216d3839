import {
  aws_cloudwatch_actions as actions,
  aws_cloudwatch as cloudwatch,
  Duration,
  aws_elasticloadbalancingv2 as elb,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { type AlarmProps, addAlarm } from './alarm.js';
import type { Config } from './config.js';
import { NAMESPACE, QUEUE_METRIC } from './server.js';

export interface AlarmsProps {
  config: Config;
  balancer: elb.ApplicationLoadBalancer;
  targets: elb.ApplicationTargetGroup;
  topic: sns.ITopic;
}

type Watched = Omit<AlarmProps, 'alarmDescription' | 'threshold'>;

const MINUTE = { period: Duration.minutes(1) };

/** What wakes somebody: errors, slowness, a queue that the GPUs do not keep up with, and no healthy task. */
export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[] = [];
  readonly queue: cloudwatch.Metric;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AlarmsProps,
  ) {
    super(scope, id);
    const { config, balancer, targets, topic } = props;
    this.queue = new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: QUEUE_METRIC,
      dimensionsMap: { service: 'mien', stage: config.stage },
      statistic: cloudwatch.Stats.MAXIMUM,
      ...MINUTE,
    });
    const { errorPercent, latencySeconds, queueLength } = config.alarms;
    const sum = { statistic: cloudwatch.Stats.SUM, ...MINUTE };
    this.add('Errors', 'Answers that are 5xx, in percent', errorPercent, {
      metric: new cloudwatch.MathExpression({
        // With few requests one error is many percent: at least 20 are reckoned with. Those that no task could take are
        // not counted as requests, so without a healthy task there are 5xx and no data of requests.
        expression:
          '100 * (FILL(task, 0) + FILL(elb, 0)) / IF(FILL(requests, 0) < 20, 20, FILL(requests, 0))',
        usingMetrics: {
          task: targets.metrics.httpCodeTarget(elb.HttpCodeTarget.TARGET_5XX_COUNT, sum),
          elb: balancer.metrics.httpCodeElb(elb.HttpCodeElb.ELB_5XX_COUNT, sum),
          requests: balancer.metrics.requestCount(sum),
        },
        label: '5xx %',
        ...MINUTE,
      }),
    });
    this.add('Latency', '99th percentile of the answer time, in seconds', latencySeconds, {
      metric: targets.metrics.targetResponseTime({ statistic: cloudwatch.Stats.percentile(99), ...MINUTE }),
    });
    this.add('Queue', 'Crops waiting for the GPU', queueLength, {
      metric: this.queue,
      // The agent that publishes it may have stopped, which is not a short queue.
      treatMissingData: cloudwatch.TreatMissingData.MISSING,
    }).addInsufficientDataAction(new actions.SnsAction(topic));
    this.add('Healthy', 'No task is ready: the fallback answers', 1, {
      metric: targets.metrics.healthyHostCount({ statistic: cloudwatch.Stats.MINIMUM, ...MINUTE }),
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
  }

  private add(id: string, alarmDescription: string, threshold: number, props: Watched): cloudwatch.Alarm {
    const alarm = addAlarm(this, id, this.props.topic, { alarmDescription, threshold, ...props });
    this.all.push(alarm);
    return alarm;
  }
}
