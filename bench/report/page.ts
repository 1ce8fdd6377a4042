import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { markup, Markup } from './markup.ts';

const UPLOT = ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css', 'LICENSE'] as const;
/** Each after the modules that it imports. */
const MODULES = ['browser/quantity.js', 'browser/chart.js', 'browser/page.js'] as const;
/** A later one may change what an earlier one says. */
const STYLES = ['browser/page.css', 'browser/chart.css'] as const;

export interface Page {
  readonly title: string;
  readonly body: Markup;
}

/**
 * A report as one file of HTML: styles, scripts and data are in it, and its content security policy lets it load
 * nothing and run only what was put in here. Charts come from `chartGrid` (chart.ts).
 */
export function page({ title, body }: Page): string {
  const [library, looks, licence] = UPLOT.map((file) =>
    textAt(import.meta.resolve(`uplot/${file}`)),
  );
  const scripts = [`/*!\nuPlot\n\n${licence}*/\n${library}`, joined(MODULES.map(ownText))];
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    `script-src ${scripts.map(hashSource).join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>
${new Markup([looks, ...STYLES.map(ownText)].join('\n'))}</style>
</head>
<body>
${body}${scripts.map((script) => markup`<script>${inline(script)}</script>\n`)}</body>
</html>
`.text;
}

function ownText(file: string): string {
  return textAt(new URL(file, import.meta.url));
}

function textAt(url: URL | string): string {
  return readFileSync(new URL(url), 'utf8');
}

/** Modules as one script: all their names are in one scope, so nothing need be imported or exported. */
function joined(modules: readonly string[]): string {
  const bodies = modules.map((text) =>
    text.replaceAll(/^import [^;]*;\n/gm, '').replaceAll(/^export /gm, ''),
  );
  return `'use strict';\n{\n${bodies.join('\n')}}\n`;
}

/** A program of our own between script tags. It cannot be escaped there, so it must not need to be. */
function inline(script: string): Markup {
  assert.ok(!/<\/script|<!--/i.test(script), 'the script would end its own element');
  return new Markup(script);
}

/** Source: Content Security Policy Level 3, section 2.3.1, hash-source. */
function hashSource(script: string): string {
  return `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
}
