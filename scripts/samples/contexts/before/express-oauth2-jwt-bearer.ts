declare global {
  const issuerBaseURL: string;
}
export {};
