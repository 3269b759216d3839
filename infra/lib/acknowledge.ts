import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Accepts findings of cdk-nag on a construct and what lies below it, each with the reason why.
 *
 * The ids are exact: a wildcard's finding is `AwsSolutions-IAM5[Resource::arn:...]`. `Validations.acknowledge` takes
 * ids with `::` for a plug-in's name and refuses them (cdklabs/cdk-nag#2351), so the metadata that it would write is
 * written here.
 *
 * @example acknowledge(bucket, { 'AwsSolutions-S1': 'This is the bucket of the access logs.' })
 */
export function acknowledge(construct: IConstruct, reasons: Record<string, string>): void {
  for (const [id, reason] of Object.entries(reasons)) {
    construct.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, {
      [`Annotation::${id}`]: reason,
    });
  }
}

/** Every acknowledgement below a construct, for the tests: path, rule and reason. */
export function acknowledgements(root: IConstruct): { path: string; id: string; reason: string }[] {
  return root.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) =>
        Object.entries(data as Record<string, string>).map(([id, reason]) => ({
          path: node.path,
          id: id.replace(/^annotation::/i, ''),
          reason,
        })),
      ),
  );
}
