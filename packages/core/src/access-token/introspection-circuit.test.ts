import { describe, expect, test } from 'vitest';
import { createCircuit, createCircuits } from './introspection-circuit.js';

function scene() {
  let nowMs = 0;
  const changes: boolean[] = [];
  const circuit = createCircuit({ monotonic: () => nowMs }, (isOpen) => changes.push(isOpen));
  return { circuit, changes, pass: (seconds: number) => void (nowMs += seconds * 1000) };
}

test('rule 76: failures count as an outage only in a row', () => {
  const { circuit, changes } = scene();
  for (const fails of [true, true, false, true, true, false]) {
    expect(circuit.mayAsk()).toBe(true);
    if (fails) circuit.failed('down');
    else circuit.succeeded();
  }
  expect([circuit.isOpen, circuit.pauseSeconds, circuit.lastError]).toEqual([false, 0, undefined]);
  expect(changes).toEqual([]);
});

test('rule 76: after a pause one introspection goes first, and a success ends the outage', () => {
  const { circuit, changes, pass } = scene();
  for (let at = 0; at < 3; at++) circuit.failed('down');
  expect(circuit.mayAsk()).toBe(false);
  pass(0.999);
  expect(circuit.mayAsk()).toBe(false);
  pass(0.001);
  expect([circuit.mayAsk(), circuit.mayAsk(), circuit.mayAsk()]).toEqual([true, false, false]);
  circuit.succeeded();
  expect([circuit.mayAsk(), circuit.mayAsk()]).toEqual([true, true]);
  expect(changes).toEqual([true, false]);
});

test('rule 76: introspections that were under way at the start of an outage do not prolong it', () => {
  const { circuit, pass } = scene();
  for (let at = 0; at < 20; at++) circuit.failed('down');
  expect(circuit.pauseSeconds).toBe(1);
  pass(1);
  expect(circuit.mayAsk()).toBe(true);
  circuit.failed('still down');
  expect([circuit.pauseSeconds, circuit.lastError]).toEqual([2, 'still down']);
});

test('an introspection that ended without an answer lets another one go first', () => {
  const { circuit, pass } = scene();
  circuit.failed('busy', 5);
  expect(circuit.pauseSeconds).toBe(5);
  pass(5);
  expect([circuit.mayAsk(), circuit.mayAsk()]).toEqual([true, false]);
  circuit.ended();
  expect(circuit.mayAsk()).toBe(true);
});

test('no pause is longer than 30 s, whatever a server asks for', () => {
  const { circuit } = scene();
  circuit.failed('busy', 86_400);
  expect(circuit.pauseSeconds).toBe(30);
});

test('rule 76: a success ends an outage before its pause has passed', () => {
  const { circuit, changes } = scene();
  circuit.failed('busy', 5);
  expect([circuit.isOpen, circuit.pauseSeconds, circuit.lastError]).toEqual([true, 5, 'busy']);
  circuit.succeeded();
  expect([circuit.isOpen, circuit.pauseSeconds, circuit.lastError, circuit.mayAsk()]).toEqual([false, 0, undefined, true]);
  circuit.failed('busy', 3);
  expect([circuit.pauseSeconds, circuit.mayAsk()]).toEqual([3, false]);
  expect(changes).toEqual([true, false, true]);
});

describe('rule 257: tokens in use have a circuit of their own', () => {
  function both() {
    const changes: boolean[] = [];
    const circuits = createCircuits({ monotonic: () => 0 }, (isOpen) => changes.push(isOpen));
    return { circuits, changes, open: () => [circuits.of(true).isOpen, circuits.of(false).isOpen] };
  }

  test('which failures about others do not open', () => {
    const { circuits, changes, open } = both();
    for (const _time of [1, 2, 3]) circuits.failed(false, 'down');
    expect([open(), changes, circuits.of(false).lastError]).toEqual([[false, true], [true], 'down']);
    circuits.failed(true, 'busy', 7);
    expect([open(), changes, circuits.of(true).pauseSeconds]).toEqual([[true, true], [true, true], 7]);
  });

  test('and a failure about one of them counts for all', () => {
    const { circuits, open } = both();
    circuits.failed(true, 'busy', 7);
    expect([open(), circuits.of(false).pauseSeconds]).toEqual([[true, true], 7]);
  });

  test('and the endpoint is back when both are closed', () => {
    const { circuits, changes, open } = both();
    circuits.failed(true, 'busy', 7);
    circuits.of(false).succeeded();
    expect([open(), changes]).toEqual([
      [true, false],
      [true, true],
    ]);
    circuits.succeeded();
    expect([open(), changes]).toEqual([
      [false, false],
      [true, true, false],
    ]);
    circuits.failed(false, 'busy', 7);
    circuits.succeeded();
    expect([open(), changes.slice(3)]).toEqual([
      [false, false],
      [true, false],
    ]);
  });
});
