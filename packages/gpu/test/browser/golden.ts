import { type GoldenSuite, openUrl } from '@atrous/conformance';
import address from '../../../../internal/conformance/golden/cases.json?url';

/** The golden suite of the conformance package, over the test server. */
export const openGolden = (): Promise<GoldenSuite> => openUrl(new URL('.', new URL(address, location.href)));
