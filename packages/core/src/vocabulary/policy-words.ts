/** The cause of a refusal: the policies of the route need logins that no single login can be. What helps depends on it. */
export const NO_COMMON_LOGIN = 'no login satisfies all of these policies with this token';
