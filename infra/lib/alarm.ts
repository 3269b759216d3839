import {
  aws_cloudwatch_actions as actions,
  aws_cloudwatch as cloudwatch,
  type aws_sns as sns,
} from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export type AlarmProps = Partial<cloudwatch.AlarmProps> &
  Pick<cloudwatch.AlarmProps, 'metric' | 'threshold'> & { alarmDescription: string };

/** Adds an alarm, by default on three minutes of five, that tells the topic when it begins and when it is over. */
export function addAlarm(
  scope: Construct,
  id: string,
  topic: sns.ITopic,
  { alarmDescription, ...props }: AlarmProps,
): cloudwatch.Alarm {
  const alarm = new cloudwatch.Alarm(scope, id, {
    alarmDescription: `mien: ${alarmDescription}`,
    evaluationPeriods: 5,
    datapointsToAlarm: 3,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    ...props,
  });
  const action = new actions.SnsAction(topic);
  alarm.addAlarmAction(action);
  alarm.addOkAction(action);
  return alarm;
}
