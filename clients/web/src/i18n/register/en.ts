/** Making an account. */
export const register = {
  title: "Create your account", welcome: "Come in", displayName: "Display name", displayNameHint: "What others see. You can change it at any time.",
  usernameHint: "2 to 32 characters: lower-case letters, digits, dot, dash, underscore.", passwordHint: "At least 8 characters. Longer is better than complicated.",
  submit: "Create account", busy: "Creating your account…", have: "Have an account?", signIn: "Sign in instead",
  admin: "This link makes you an administrator of the node.", invited: "You have been invited to join this node.",
  badUsername: "Use 2 to 32 lower-case letters, digits, dots, dashes or underscores.", shortPassword: "Use at least 8 characters.",
  checking: "Checking the invite…",
};

export type RegisterTexts = typeof register;
