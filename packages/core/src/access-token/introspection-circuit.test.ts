import { expect, test } from 'vitest';
import { createCircuit } from './introspection-circuit.js';

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

test('rule 76: after a pause one question goes first, and a success ends the outage', () => {
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

test('rule 76: questions that were under way at the start of an outage do not prolong it', () => {
  const { circuit, pass } = scene();
  for (let at = 0; at < 20; at++) circuit.failed('down');
  expect(circuit.pauseSeconds).toBe(1);
  pass(1);
  expect(circuit.mayAsk()).toBe(true);
  circuit.failed('still down');
  expect([circuit.pauseSeconds, circuit.lastError]).toEqual([2, 'still down']);
});

test('a question that ended without an answer lets another one go first', () => {
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
