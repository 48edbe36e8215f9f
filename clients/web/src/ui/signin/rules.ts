/** Characters a password has at least; the node has the last word. */
export const MIN_PASSWORD = 8;
