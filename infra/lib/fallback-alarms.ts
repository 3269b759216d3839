import {
  type aws_apigatewayv2 as api,
  Duration,
  type aws_lambda as lambda,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { addAlarm } from './alarm.js';

export interface FallbackAlarmsProps {
  function: lambda.IFunction;
  api: api.HttpApi;
  topic: sns.ITopic;
}

/** What wakes somebody about the fallback: it is asked only while no GPU answers, so one failure is enough. */
export class FallbackAlarms extends Construct {
  constructor(scope: Construct, id: string, props: FallbackAlarmsProps) {
    super(scope, id);
    const sum = { period: Duration.minutes(5), statistic: 'Sum' };
    const watched = {
      Errors: ['The fallback ended in an error or ran out of time', props.function.metricErrors(sum)],
      Throttles: [
        'The fallback was refused: its concurrency is used up',
        props.function.metricThrottles(sum),
      ],
      Api: ["The fallback's API answered 5xx", props.api.metricServerError(sum)],
    } as const;
    for (const [name, [alarmDescription, metric]] of Object.entries(watched))
      addAlarm(this, name, props.topic, {
        alarmDescription,
        metric,
        threshold: 0,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
      });
  }
}
