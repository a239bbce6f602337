export * from '@tokenward/core/token-exchange';
