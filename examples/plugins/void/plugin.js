// Void Linux, a component: what `opkgc` asks it, and what it asks `opkgc`.

import * as rules from "opkg:plugin/rules@1.0.0";
import { distribution } from "./distribution.js";

export const { packaging, containers, packageManager } = distribution(rules);
