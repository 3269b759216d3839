import type { Assets } from '../model/assets.js';

declare const detector: Assets['detector'];
export default detector;
