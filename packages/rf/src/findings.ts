import type { Report } from './explain.js';
import { repairDilations } from './repair.js';

/** The conclusions of a report, most important first. */
export function findingsOf(report: Omit<Report, 'findings'>): string[] {
  return [
    ...coverageFindings(report),
    ...ruleFindings(report),
    ...tapFindings(report),
    ...pathFindings(report),
    ...haloFindings(report),
  ];
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
const count = (number: number): string => number.toLocaleString('en-US');

function coverageFindings({ coverage, shared, rule, holes, unbounded }: Omit<Report, 'findings'>): string[] {
  if (!coverage) return [];
  const where = unbounded ? ' of the part that is not global' : '';
  if (!coverage.holes) return [`No holes: all ${count(coverage.area)} inputs of the field${where} are read.`];
  const findings = [
    `Holes: only ${count(coverage.touched)} of ${count(coverage.area)} inputs of the field${where} are read (${percent(coverage.fraction)}).`,
  ];
  if (coverage.lattices > 1) {
    const least = Math.max(...(shared ?? []).map(({ correlation }) => correlation));
    findings.push(
      `Gridding: outputs fall on ${count(coverage.lattices)} independent lattices${least === 0 ? ', and neighbours share no input at all' : ''}.`,
    );
  }
  const offender = holes?.map(({ offender }) => offender).find((layer) => layer !== undefined);
  if (offender)
    findings.push(
      `The first layer that leaves holes is ${offender.name}: its taps are ${offender.spacing} inputs apart, ${offender.allowed} would be the most.`,
    );
  if (rule) findings.push(...repairs(rule.rates, rule.kernel));
  return findings;
}

function repairs(rates: readonly number[], kernel: number): string[] {
  try {
    const [near, same] = [false, true].map((keepField) => repairDilations(rates, { kernel, keepField }));
    return [
      ...(near
        ? [
            `Nearest rates without holes: ${near.rates.join(', ')} (field ${near.field} instead of ${near.originalField}).`,
          ]
        : []),
      ...(same && String(same.rates) !== String(near?.rates)
        ? [`With the same field: ${same.rates.join(', ')}.`]
        : []),
    ];
  } catch {
    // too many schedules to try; there is a command for it
    return [];
  }
}

function ruleFindings({ rule, coverage }: Omit<Report, 'findings'>): string[] {
  if (!rule) return [];
  const verdict = `The published HDC rule ${rule.passes ? 'accepts' : 'rejects'} rates ${rule.rates.join(', ')} (${rule.rates.length > 1 ? 'M₂' : 'M₁'} = ${rule.distance}, kernel ${rule.kernel}, common factor ${rule.commonFactor})`;
  const agrees = !coverage || rule.passes === !coverage.holes;
  return [`${verdict}${agrees ? '' : ', which is wrong here'}: ${rule.domain}.`];
}

function tapFindings({ layers, interior }: Omit<Report, 'findings'>): string[] {
  const findings = layers.flatMap(({ name, kernel, dilation, taps }) => {
    if (!taps || taps.fraction > 0.5) return [];
    const effective = taps.effective.join('×');
    const trap = effective === kernel ? '' : `; on this map it is a ${effective} convolution`;
    return [
      `${name} (rate ${dilation}) reads mostly padding: ${percent(taps.fraction)} of its taps touch the map${trap}.`,
    ];
  });
  if (!interior) return findings;
  const clear = interior.axes.every((axis) => axis)
    ? `outputs ${interior.axes.map((axis) => `${axis![0]}…${axis![1]}`).join(' × ')} see none`
    : 'every output sees some';
  return [...findings, `Padding: ${percent(1 - interior.fraction)} of the outputs see padding; ${clear}.`];
}

function pathFindings({ field, unbounded, bounded }: Omit<Report, 'findings'>): string[] {
  const findings: string[] = [];
  if (unbounded)
    findings.push(
      `The field is unbounded: a global layer sees the whole map${bounded ? `; without it the field is ${bounded.size.join('×')}` : ''}.`,
    );
  const [axis] = field.axes;
  const phases = Math.max(...field.axes.map((one) => one.phases.length));
  if (phases > 1)
    findings.push(
      `After upsampling, outputs see ${phases} different regions in turn; sizes are those of the largest.`,
    );
  if (field.axes.some((one) => Number.isNaN(one.size)))
    findings.push('Paths of different stride meet, so regions do not repeat.');
  else if (axis && field.axes.some(({ aligned }) => !aligned))
    findings.push(
      `Paths are not aligned: their centres lie up to ${Math.max(...field.axes.map(({ misalignment }) => misalignment))} inputs apart.`,
    );
  return findings;
}

function haloFindings({ halo }: Omit<Report, 'findings'>): string[] {
  return halo.obstacles.map(
    ({ name, solvable, advice }) =>
      `Exact tiling ${solvable ? 'takes more than a halo' : 'is not possible as it stands'}: ${name} ${advice}.`,
  );
}
