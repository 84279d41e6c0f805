(() => {
  'use strict';

  const root = document.documentElement;
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const KEY = 'steelyard-theme';
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = theme => { try { localStorage.setItem(KEY, theme); } catch { /* a file page may have no storage */ } };
  let printing = false;
  const asked = new URLSearchParams(location.search).get('theme');
  const theme = () => printing ? 'light' : root.dataset.theme || (dark.matches ? 'dark' : 'light');
  const start = [asked, remembered()].find(name => name === 'light' || name === 'dark');
  if (start) root.dataset.theme = start;

  // Apart in hue and in lightness, so that they differ for every kind of colour vision; each curve
  // also has its own symbol.
  const COLOURS = {
    light: ['#0060a8', '#c84e00', '#007a5a', '#9a3e86', '#7a6200', '#3c7ea6', '#454b52'],
    dark: ['#6db3f2', '#ff9a5c', '#4cc9a0', '#e08fcb', '#e3c04b', '#b5d9f5', '#c3cad1'],
  };
  const INK = {
    light: { text: '#1c2126', soft: '#545c64', line: '#e4e4dc', axis: '#8c9299', page: '#ffffff' },
    dark: { text: '#e8eaec', soft: '#a7b0b8', line: '#2a3036', axis: '#6d767e', page: '#1b1f23' },
  };
  const SYMBOLS = ['circle', 'diamond', 'triangle', 'rect', 'pin', 'arrow', 'roundRect'];

  const escape = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
  const raised = n => String(n).replace(/./g, c => c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[c]);
  const raisedPowers = text => String(text).replace(/(\d)\^(-?\d+)/g, (all, digit, power) => digit + raised(power));
  const clean = v => Number(v.toPrecision(12));
  const plain = v => {
    if (v === 0) return '0';
    const size = Math.abs(v);
    if (size >= 1e7 || size < 1e-4) {
      const [m, e] = v.toExponential(2).split('e');
      return `${Number(m)}·10${raised(Number(e))}`.replace('-', '−');
    }
    return String(size >= 1000 ? Math.round(v) : Number(v.toPrecision(4))).replace('-', '−');
  };

  // Logarithmic axes are linear axes of the logarithm: that gives ticks at every power and bands
  // and error bars that need no special case.
  const axisOf = (spec, values, ink) => {
    const finite = values.filter(v => v !== null && (spec.scale === 'linear' || spec.scale === 'category' || v > 0));
    const low = Math.min(...finite), high = Math.max(...finite);
    if (spec.scale === 'log2' || spec.scale === 'log10') {
      const base = spec.scale === 'log2' || high / low < 30 ? 2 : 10;
      const into = v => v === null || !(v > 0) ? null : clean(Math.log(v) / Math.log(base));
      const from = v => clean(Math.pow(base, v));
      const longPowers = Math.log(high) / Math.log(base) >= 10;
      const label = v => {
        const k = Math.round(v);
        if (Math.abs(v - k) > 1e-9) return '';
        if (base === 10) return k >= -3 && k <= 4 ? plain(from(k)) : `10${raised(k)}`;
        return longPowers ? `2${raised(k)}` : plain(from(k));
      };
      return { kind: 'log', ink, base, into, from, label, low: into(low), high: into(high) };
    }
    return { kind: spec.scale, into: v => v, from: v => v, label: plain, low, high };
  };

  // Ticks of a linear axis start at its lower end, so the ends are powers where the data's ends
  // are, and the step divides the distance if a good one does.
  const exactPowers = (axis, most) => {
    const min = Math.floor(axis.low + 1e-9), max = Math.max(min + 1, Math.ceil(axis.high - 1e-9));
    const least = Math.ceil((max - min) / most);
    const step = [...Array(least + 2).keys()].map(i => least + i).find(n => (max - min) % n === 0) ?? least;
    return { type: 'value', min, max, interval: step,
      axisLabel: { color: axis.ink.soft, fontSize: 13, lineHeight: 15, hideOverlap: true, formatter: v => (v - min) % step === 0 ? axis.label(v) : '' } };
  };

  // Between powers the axis may end at a quarter: a whole power of empty space would flatten the
  // curves. Lines and labels stand at whole powers only.
  const paddedPowers = (axis, line) => {
    let low = axis.low - 0.12, high = axis.high + 0.12;
    if (Math.floor(high) - Math.ceil(low) < 1) { low = Math.floor(axis.low); high = Math.max(low + 1, Math.ceil(axis.high)); }
    const step = Math.max(1, Math.ceil((high - low) / 7)), quarter = step / 4;
    const min = Math.floor(low / quarter) * quarter, max = Math.ceil(high / quarter) * quarter;
    const whole = v => Math.abs(v / step - Math.round(v / step)) < 1e-9;
    const ticks = [...Array(Math.round((max - min) / quarter) + 1).keys()].map(i => min + i * quarter);
    return { type: 'value', min, max, interval: quarter,
      axisLabel: { color: axis.ink.soft, fontSize: 13, lineHeight: 15, hideOverlap: false, formatter: v => whole(v) ? axis.label(v) : '' },
      splitLine: { show: true, lineStyle: { color: ticks.map(v => whole(v) ? line : 'transparent') } } };
  };

  const valueAxis = (spec, axis, ink, horizontal, narrow) => {
    const common = {
      name: horizontal ? spec.label : '',
      nameLocation: 'middle',
      nameGap: axis.kind === 'category' && narrow ? 46 : 32,
      nameTextStyle: { color: ink.soft, fontSize: 13 },
      axisLine: { show: horizontal, onZero: false, lineStyle: { color: ink.axis } },
      axisTick: { show: horizontal, lineStyle: { color: ink.axis } },
      axisLabel: { color: ink.soft, fontSize: 13, lineHeight: 15, hideOverlap: true, formatter: axis.label },
      splitLine: { show: !horizontal, lineStyle: { color: ink.line } },
    };
    if (axis.kind === 'category') {
      return { ...common, type: 'category', data: spec.categories.map(raisedPowers), axisTick: { show: false },
        axisLabel: { ...common.axisLabel, formatter: undefined, interval: 0, width: narrow ? 64 : 130, overflow: 'break' } };
    }
    if (axis.kind === 'log') {
      return { ...common, ...(horizontal ? exactPowers(axis, narrow ? 6 : 16) : paddedPowers(axis, ink.line)) };
    }
    return { ...common, type: 'value', scale: true, ...(horizontal ? { min: 'dataMin', max: 'dataMax' } : {}) };
  };

  // An error bar at each point; the whisker ends are drawn as short strokes.
  const bars = (points, colour, offset) => ({
    type: 'custom', silent: true, z: 4, data: points, encode: { x: 0, y: [1, 2] }, tooltip: { show: false },
    renderItem: (params, api) => {
      const top = api.coord([api.value(0), api.value(2)]), bottom = api.coord([api.value(0), api.value(1)]);
      const x = top[0] + offset(api);
      const line = (x1, y1, x2, y2) => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 1.5 } });
      return { type: 'group', children: [line(x, top[1], x, bottom[1]), line(x - 4, top[1], x + 4, top[1]), line(x - 4, bottom[1], x + 4, bottom[1])] };
    },
  });

  const band = (points, colour) => ({
    type: 'custom', silent: true, z: 1, data: [points[0]], encode: { x: 0, y: [1, 2] }, tooltip: { show: false },
    renderItem: (params, api) => {
      const upper = points.map(p => api.coord([p[0], p[2]])), lower = points.map(p => api.coord([p[0], p[1]])).reverse();
      return { type: 'polygon', shape: { points: upper.concat(lower) }, style: { fill: colour, opacity: 0.16 } };
    },
  });

  const option = (figure, width) => {
    const narrow = width < 560;
    const ink = INK[theme()], colours = COLOURS[theme()];
    const measured = figure.curves.filter(curve => curve.mark !== 'reference');
    const x = axisOf(figure.x, figure.curves.flatMap(curve => curve.xs), ink);
    const y = axisOf(figure.y, figure.curves.flatMap(curve => curve.ys.concat(curve.low, curve.high)), ink);
    const barCount = measured.filter(curve => curve.mark === 'bar').length;
    const series = [], names = [];
    let colourIndex = 0, barIndex = 0;
    for (const curve of figure.curves) {
      const reference = curve.mark === 'reference';
      const colour = reference ? ink.soft : colours[colourIndex % colours.length];
      const symbol = SYMBOLS[colourIndex % SYMBOLS.length];
      if (!reference) colourIndex++;
      const points = curve.xs.map((v, i) => [x.into(v), y.into(curve.ys[i])]);
      const ends = curve.low.length === 0 ? [] : curve.xs
        .map((v, i) => [x.into(v), y.into(curve.low[i]), y.into(curve.high[i])])
        .filter(p => p.every(v => v !== null));
      const many = points.length > 30;
      const common = { name: curve.name, data: points, itemStyle: { color: colour }, emphasis: { focus: 'none' } };
      names.push({ name: curve.name, ...(reference ? { icon: 'path://M0 4h5v2h-5zM8 4h5v2h-5zM16 4h5v2h-5z' } : {}) });
      if (curve.mark === 'bar') {
        const index = barIndex++;
        series.push({ ...common, type: 'bar', barMaxWidth: 34, barGap: '12%', barCategoryGap: '38%',
          data: points.map(p => figure.x.scale === 'category' ? [p[0], p[1]] : p) });
        if (ends.length) series.push(bars(ends, ink.text, api => {
          const layout = api.barLayout({ barMaxWidth: 34, barGap: '12%', barCategoryGap: '38%', count: barCount });
          return layout[index] ? layout[index].offsetCenter : 0;
        }));
      } else if (curve.mark === 'point') {
        series.push({ ...common, type: 'scatter', symbol, symbolSize: 9 });
        if (ends.length) series.push(bars(ends, colour, () => 0));
      } else if (reference) {
        series.push({ ...common, type: 'line', showSymbol: false, symbol: 'none', z: 2, lineStyle: { color: colour, width: 1.5, type: [6, 5] } });
      } else {
        series.push({ ...common, type: 'line', symbol, symbolSize: 7, showSymbol: !many, z: 3, lineStyle: { color: colour, width: 2 } });
        if (ends.length > 1) series.push(band(ends, colour));
      }
    }
    const xText = v => figure.x.scale === 'category' ? raisedPowers(figure.x.categories[v] ?? v)
      : x.kind === 'log' && x.base === 2 && Math.abs(v - Math.round(v)) < 1e-9 ? x.label(v) : plain(x.from(v));
    const fontFamily = getComputedStyle(document.body).fontFamily;
    // How the legend wraps is not told, so its height is estimated from the lengths of the names.
    let legendRows = 1, rowWidth = 0;
    for (const { name } of names) {
      const entry = 44 + 7.6 * name.length;
      if (rowWidth > 0 && rowWidth + entry > width) { legendRows++; rowWidth = 0; }
      rowWidth += entry;
    }
    const legendHeight = names.length > 1 ? 24 * legendRows : 0;
    return {
      animation: false,
      textStyle: { fontFamily },
      grid: { left: 8, right: narrow ? 12 : 20, top: legendHeight + 40, bottom: narrow && x.kind === 'category' ? 52 : 38, containLabel: true },
      graphic: [{ type: 'text', left: 0, top: legendHeight + 10, silent: true, style: { text: figure.y.label, fill: ink.soft, fontSize: 13, fontFamily } }],
      legend: { type: 'plain', top: 0, left: 0, itemWidth: 18, itemHeight: 9, itemGap: 18, padding: [4, 0],
        icon: undefined, textStyle: { color: ink.text, fontSize: 13 }, data: names, show: names.length > 1 },
      tooltip: {
        trigger: 'axis', confine: true, backgroundColor: ink.page, borderColor: ink.axis, textStyle: { color: ink.text, fontSize: 13 },
        axisPointer: { type: barCount ? 'shadow' : 'line', lineStyle: { color: ink.axis } },
        formatter: entries => {
          const shown = entries.filter(entry => entry.seriesType !== 'custom' && entry.value[1] !== null);
          if (!shown.length) return '';
          const at = shown[0].value[0];
          const head = figure.x.scale === 'category' ? xText(at) : `${figure.x.label}: ${xText(at)}`;
          return `<strong>${escape(head)}</strong><br>` + shown.map(entry => {
            const curve = figure.curves.find(candidate => candidate.name === entry.seriesName);
            const i = entry.dataIndex;
            const range = curve.low.length && curve.low[i] !== null ? ` [${plain(curve.low[i])}, ${plain(curve.high[i])}]` : '';
            return `${entry.marker}${escape(entry.seriesName)}: <b>${plain(curve.ys[i])}</b>${range}`;
          }).join('<br>');
        },
      },
      xAxis: valueAxis(figure.x, x, ink, true, narrow),
      yAxis: { ...valueAxis(figure.y, y, ink, false, narrow), ...(barCount && y.kind === 'linear' && y.low >= 0 ? { scale: false } : {}) },
      series,
    };
  };

  const charts = [];
  const drawAll = () => charts.forEach(draw => draw());
  const holder = document.getElementById('figures');
  if (holder && window.echarts) {
    const figures = JSON.parse(holder.textContent);
    for (const element of document.querySelectorAll('.chart')) {
      const chart = echarts.init(element, null, { renderer: 'svg' });
      const figure = figures[Number(element.dataset.figure)];
      const draw = () => chart.setOption(option(figure, element.clientWidth), true);
      charts.push(draw);
      new ResizeObserver(() => { chart.resize(); draw(); }).observe(element);
    }
  }

  const button = document.getElementById('theme');
  const name = () => {
    const other = theme() === 'dark' ? 'Light' : 'Dark';
    button.textContent = other;
    button.setAttribute('aria-label', `Use ${other.toLowerCase()} colours`);
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset.theme = theme() === 'dark' ? 'light' : 'dark';
    remember(root.dataset.theme);
    name();
    drawAll();
  });
  dark.addEventListener('change', () => { name(); drawAll(); });
  addEventListener('beforeprint', () => { printing = true; drawAll(); });
  addEventListener('afterprint', () => { printing = false; drawAll(); });
  name();
})();
