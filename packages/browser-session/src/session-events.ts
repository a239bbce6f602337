/** The words of the event `tokenward:session`. Core defines them, since `@tokenward/opentelemetry` counts the event. */
export type { SessionEventAction, SessionEventOutcome, SessionEventReason } from '@tokenward/core/store';
