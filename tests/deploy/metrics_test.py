#!/usr/bin/env python3
"""Holds four things against each other: the metrics that a running gateway
shows (and the lines that it logs), the tables of docs/operating.md, the alert
rules and the dashboard."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import yaml

GATEWAY, SANDBOX, LEADCTL, ALERTS, ALERTS_TEST, DASHBOARD, PAGE = (
    os.path.abspath(path) for path in sys.argv[1:8])

# The labels that Prometheus adds when it scrapes.
TARGET_LABELS = {'job', 'instance'}
SUFFIXES = ('_bucket', '_sum', '_count')


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True,
                          check=False)


class Program:
    """A program that logs one line with "event":"serving" once it serves."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if '"event":"serving"' in line:
                self.serving = json.loads(line)
                break
        else:
            raise AssertionError(f'{command[0]} does not serve')

    def stop(self):
        """Ends it; returns what else it logged."""
        self.process.terminate()
        return self.process.communicate(timeout=30)[1].splitlines()


def scrape():
    """The text of /metrics of a gateway that has updated leads, and its log."""
    with tempfile.TemporaryDirectory() as directory:
        def write(name, text):
            path = os.path.join(directory, name)
            with open(path, 'w', encoding='utf-8', opener=lambda path, flags: os.open(
                    path, flags, 0o600)) as file:
                file.write(text)
            return path

        sandbox = Program(SANDBOX, '--listen=127.0.0.1:0', '--generate_leads=50')
        config = write('gateway.json', json.dumps({
            'listen': {'address': '127.0.0.1:0'},
            'admin': {'address': '127.0.0.1:0'},
            'accounts': [{
                'name': 'acme',
                'baseUrl': 'http://' + sandbox.serving['listen'],
                'accessKeyFile': write('access', 'u$r0123456789abcdef0123456789abcdef'),
                'secretKeyFile': write('secret', '0123456789abcdef0123456789abcdef01234567'),
            }]}))
        gateway = Program(GATEWAY, '--config=' + config)
        leads = write('leads.csv', 'EmailAddress,FirstName\n' + ''.join(
            f'lead{i}@example.com,Ada\n' for i in (1, 2, 3, 1000)))
        updated = run(LEADCTL, 'update', '--gateway=' + gateway.serving['listen'],
                      '--file=' + leads, '--search-by=EmailAddress')
        with urllib.request.urlopen(f"http://{gateway.serving['admin']}/metrics") as page:
            text = page.read().decode()
        log = [gateway.serving] + [json.loads(line) for line in gateway.stop()]
        sandbox.stop()
        # One lead does not exist, which leadctl tells by its status.
        assert 'UPDATED          3' in updated.stdout, updated.stdout + updated.stderr
        return text, log


def families(text):
    """{metric: (type, labels)} of Prometheus's text format."""
    types = dict(re.findall(r'^# TYPE (\S+) (\S+)$', text, re.M))
    found = {name: (kind, set()) for name, kind in types.items()}
    for name, labels in re.findall(r'^([a-z_]+)(?:\{(.*)\})? \S+$', text, re.M):
        base = name
        if name not in types:
            base = next(name.removesuffix(s) for s in SUFFIXES if name.endswith(s))
        found[base][1].update(re.findall(r'(\w+)="', labels))
    for _, labels in found.values():
        labels.discard('le')
    return found


def documented(page):
    """{metric: labels} of the table under "## Metrics"."""
    section = page.split('\n## Metrics\n')[1].split('\n## ')[0]
    found = {}
    for line in section.splitlines():
        if not line.startswith('| `'):
            continue
        _, names, labels, _ = (cell.strip() for cell in line.split('|', 3))
        labels = {label.strip() for label in labels.split(',') if label.strip()}
        for name in re.findall(r'`([a-z_]+)`', names):
            assert name not in found, f'{name} is there twice'
            found[name] = labels
    return found


SCRAPED, LOG = scrape()
METRICS = families(SCRAPED)
with open(PAGE, encoding='utf-8') as file:
    OPERATING = file.read()
with open(ALERTS, encoding='utf-8') as file:
    RULES = [rule for group in yaml.safe_load(file)['groups'] for rule in group['rules']]
with open(DASHBOARD, encoding='utf-8') as file:
    BOARD = json.load(file)
PANELS = [panel for panel in BOARD['panels'] if panel['type'] != 'row']


def queries():
    """(where, expression) of everything that is asked of Prometheus."""
    for rule in RULES:
        yield rule['alert'], rule['expr']
    for panel in PANELS:
        for target in panel['targets']:
            yield panel['title'], target['expr']
    for note in BOARD['annotations']['list']:
        yield note['name'], note['expr']
    for variable in BOARD['templating']['list']:
        if variable['type'] == 'query':
            match = re.fullmatch(r'label_values\((\w+), (\w+)\)', variable['query']['query'])
            yield variable['name'], f'{match[1]}{{{match[2]}=~".*"}}'


def plain(expression):
    """Without Grafana's variables."""
    return (expression.replace('$__rate_interval', '5m').replace('$account', '.*')
            .replace('$instance', '.*').replace('$job', '.*'))


class MetricsTest(unittest.TestCase):
    maxDiff = None

    def test_the_page_lists_the_metrics_that_there_are_with_their_labels(self):
        self.assertEqual({name: labels for name, (_, labels) in METRICS.items()},
                         documented(OPERATING))

    def test_the_metrics_follow_prometheus_own_rules(self):
        checked = run('promtool', 'check', 'metrics', text=SCRAPED)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ''))

    def test_every_query_parses(self):
        rules = {'groups': [{'name': 'queries', 'rules': [
            {'record': f'query:{i}', 'expr': plain(expression)}
            for i, (_, expression) in enumerate(queries())]}]}
        with tempfile.NamedTemporaryFile('w', suffix='.yaml') as file:
            yaml.safe_dump(rules, file)
            file.flush()
            checked = run('promtool', 'check', 'rules', file.name)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_every_query_asks_for_metrics_and_labels_that_there_are(self):
        for where, expression in queries():
            expression = re.sub(r'"[^"]*"', '""', plain(expression))
            asked = re.findall(r'\b((?:leadgateway|process)_\w+)(?:\{([^}]*)\})?', expression)
            for name, matchers in asked:
                kind, labels = METRICS.get(name, (None, set()))
                for suffix in SUFFIXES:
                    if kind is None and name.endswith(suffix):
                        kind, labels = METRICS.get(name.removesuffix(suffix), (None, set()))
                        if kind != 'histogram':
                            kind = None
                self.assertIsNotNone(kind, f'{where} asks for {name}')
                matched = set(re.findall(r'(\w+)(?:=|!=|=~)"', matchers))
                self.assertLessEqual(matched, labels | TARGET_LABELS, where)
                grouped = {label.strip() for by in re.findall(r'\bby \(([^)]*)\)', expression)
                           for label in by.split(',')}
                self.assertLessEqual(grouped - {'le'}, labels | TARGET_LABELS, where)
                if kind == 'counter':
                    # A counter's own value says little.
                    self.assertRegex(expression, rf'(rate|increase)\({name}|^leadgateway_spans',
                                     where)
            self.assertTrue(asked or 'up{' in expression, where)

    def test_every_metric_is_on_the_dashboard(self):
        shown = ' '.join(expression for panel in PANELS
                         for expression in (target['expr'] for target in panel['targets']))
        for name in METRICS:
            self.assertIn(name, shown)

    def test_the_dashboards_parts_have_what_grafana_wants(self):
        ids = [panel['id'] for panel in BOARD['panels']]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in BOARD['panels']:
            at = panel['gridPos']
            cells = {(x, y) for x in range(at['x'], at['x'] + at['w'])
                     for y in range(at['y'], at['y'] + at['h'])}
            self.assertFalse(cells & taken, f"{panel['title']} lies over another")
            self.assertLessEqual(at['x'] + at['w'], 24)
            taken |= cells
        for panel in PANELS:
            self.assertTrue(panel['description'], panel['title'])
            self.assertEqual(panel['datasource']['uid'], '${datasource}')


class LogTest(unittest.TestCase):

    def test_lines_have_the_levels_and_fields_that_the_page_lists(self):
        section = OPERATING.split('\n## Logs\n')[1].split('\n## ')[0]
        rows = {}
        for line in section.splitlines():
            if line.startswith('| `'):
                _, event, level, fields, _ = line.split('|', 4)
                rows[event.strip(' `')] = (level, set(re.findall(r'`(\w+)`', fields)))
        for line in LOG:
            level, fields = rows[line['event']]
            self.assertIn(line['level'], level, line)
            self.assertLessEqual(set(line) - {'time', 'level', 'event'}, fields, line)
        self.assertLessEqual({'serving', 'rpc', 'upstream_call', 'fields_loaded',
                              'draining', 'stopped'}, {line['event'] for line in LOG})


class AlertsTest(unittest.TestCase):

    def test_promtool_takes_the_rules(self):
        checked = run('promtool', 'check', 'rules', ALERTS)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_the_rules_fire_when_they_should_and_not_otherwise(self):
        checked = run('promtool', 'test', 'rules', ALERTS_TEST)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_each_alert_is_seen_silent_and_firing(self):
        with open(ALERTS_TEST, encoding='utf-8') as file:
            worlds = yaml.safe_load(file)['tests']
        cases = [case for world in worlds for case in world['alert_rule_test']]
        for rule in RULES:
            mine = [case for case in cases if case['alertname'] == rule['alert']]
            self.assertTrue(any(case.get('exp_alerts') for case in mine), rule['alert'])
            self.assertTrue(any(not case.get('exp_alerts') for case in mine), rule['alert'])

    def test_each_alert_says_what_it_is_and_where_to_read_on(self):
        section = OPERATING.split('\n## Alerts\n')[1].split('\n## ')[0]
        headings = re.findall(r'^### (\S+)$', section, re.M)
        self.assertEqual(sorted(headings), sorted(rule['alert'] for rule in RULES))
        self.assertEqual(len(RULES), 10)
        for rule in RULES:
            self.assertIn('for', rule)
            self.assertIn(rule['labels']['severity'], ('page', 'ticket'))
            notes = rule['annotations']
            self.assertLess(len(notes['summary']), 80)
            self.assertTrue(notes['description'].endswith('.'))
            self.assertEqual(notes['runbook_url'],
                             'docs/operating.md#' + rule['alert'].lower())


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
