export * from '@tokenward/core/presets';
