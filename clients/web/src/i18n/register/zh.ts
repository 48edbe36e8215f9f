import type { RegisterTexts } from "./en";

export const register: RegisterTexts = {
  title: "创建账号", welcome: "请进", displayName: "显示名称", displayNameHint: "别人看到的名字，随时可以修改。",
  usernameHint: "2 到 32 个字符：小写字母、数字、点、连字符、下划线。", passwordHint: "至少 8 个字符。长比复杂更好。",
  submit: "创建账号", busy: "正在创建账号…", have: "已有账号？", signIn: "去登录",
  admin: "此链接会让你成为节点管理员。", invited: "有人邀请你加入本节点。",
  badUsername: "请用 2 到 32 个小写字母、数字、点、连字符或下划线。", shortPassword: "请至少用 8 个字符。",
  checking: "正在检查邀请…",
};
