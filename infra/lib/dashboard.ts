import {
  aws_cloudwatch as cloudwatch,
  Duration,
  type aws_ecs as ecs,
  aws_elasticloadbalancingv2 as elb,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { Alarms } from './alarms.js';

export interface DashboardProps {
  balancer: elb.ApplicationLoadBalancer;
  targets: elb.ApplicationTargetGroup;
  service: ecs.BaseService;
  alarms: Alarms;
}

/** One page: alarms on top, then requests, answer times, the queue, and the tasks that carry them. */
export class Dashboard extends Construct {
  constructor(scope: Construct, id: string, { balancer, targets, service, alarms }: DashboardProps) {
    super(scope, id);
    const minute = { period: Duration.minutes(1) };
    const graph = (title: string, left: cloudwatch.IMetric[], right: cloudwatch.IMetric[] = []) =>
      new cloudwatch.GraphWidget({ title, left, right, width: 12 });
    const percentile = (p: number) =>
      targets.metrics.targetResponseTime({ statistic: cloudwatch.Stats.percentile(p), ...minute });
    new cloudwatch.Dashboard(this, 'Dashboard', {
      defaultInterval: Duration.hours(3),
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: alarms.all, width: 24 })],
        [
          graph(
            'Requests and 5xx a minute',
            [balancer.metrics.requestCount(minute)],
            [
              targets.metrics.httpCodeTarget(elb.HttpCodeTarget.TARGET_5XX_COUNT, minute),
              balancer.metrics.httpCodeElb(elb.HttpCodeElb.ELB_5XX_COUNT, minute),
            ],
          ),
          graph('Answer time (s)', [percentile(50), percentile(95), percentile(99)]),
        ],
        [
          graph('Crops waiting', [alarms.queue]),
          graph(
            'Tasks',
            [targets.metrics.healthyHostCount(minute), targets.metrics.unhealthyHostCount(minute)],
            [service.metricCpuUtilization(minute), service.metricMemoryUtilization(minute)],
          ),
        ],
      ],
    });
  }
}
