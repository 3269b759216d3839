export function handler(): Promise<{ statusCode: number; headers: Record<string, string>; body: string }>;
