(function () {
  "use strict";
  function all(query, root) { return Array.from((root || document).querySelectorAll(query)); }

  var tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.appendChild(tip);
  all("rect > title").forEach(function (title) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  });
  all(".strip i").forEach(function (piece) {
    piece.dataset.tip = piece.title;
    piece.removeAttribute("title");
  });
  document.addEventListener("mousemove", function (event) {
    var text = event.target.dataset && event.target.dataset.tip;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    var box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - box.width - 8)) + "px";
    tip.style.top = (event.clientY + box.height + 24 > innerHeight ? event.clientY - box.height - 12 : event.clientY + 16) + "px";
  });

  var units = { B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824, ms: 0.001, s: 1, m: 60 };
  function value(text) {
    var parts = text.replace("/s", "").match(/-?[\d.]+\s*(KiB|MiB|GiB|ms|B|m|s)?/g);
    if (!parts) return -Infinity;
    return parts.reduce(function (sum, part) {
      var unit = part.replace(/[-\d.\s]/g, "");
      return sum + parseFloat(part) * (units[unit] || 1);
    }, 0);
  }
  function sorted(table, column, numbers, down) {
    var body = table.tBodies[0], rows = Array.from(body.rows), shown = rows.filter(function (row) { return !row.hidden; }).length;
    rows.sort(function (a, b) {
      var left = a.cells[column].textContent, right = b.cells[column].textContent;
      var order = numbers ? value(left) - value(right) || 0 : left.localeCompare(right);
      return down ? -order : order;
    });
    rows.forEach(function (row, number) { row.hidden = number >= shown; body.appendChild(row); });
  }
  all("table").forEach(function (table) {
    all("th", table).forEach(function (head, column) {
      if (head.querySelector(".unseen")) return;
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var numbers = head.classList.contains("n"), former = head.getAttribute("aria-sort");
        var down = former ? former === "ascending" : numbers;
        all("th[aria-sort]", table).forEach(function (each) { each.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sorted(table, column, numbers, down);
      });
    });
  });
  all("button.more").forEach(function (button) {
    button.addEventListener("click", function () {
      all("tr[hidden]", button.previousElementSibling).forEach(function (row) { row.hidden = false; });
      button.remove();
    });
  });

  var scroll = document.querySelector(".scroll");
  if (!scroll) return;
  var drawn = scroll.firstElementChild, zoom = 1;
  var search = document.getElementById("search"), place = document.getElementById("environment");
  var matches = document.getElementById("matches"), bars = all("rect", scroll), off = {};
  function filter() {
    var words = search.value.trim().toLowerCase(), chosen = place ? place.value : "", count = 0;
    bars.forEach(function (bar) {
      var hit = !off[bar.getAttribute("class")] && (!words || bar.dataset.tip.toLowerCase().indexOf(words) >= 0) &&
        (!chosen || (" " + (bar.dataset.e || "") + " ").indexOf(" " + chosen + " ") >= 0);
      bar.style.opacity = hit ? "" : "0.08";
      count += hit;
    });
    matches.textContent = words || chosen ? count + " of " + bars.length + " bars" : "";
  }
  search.addEventListener("input", filter);
  if (place) place.addEventListener("change", filter);
  all("[data-stage]").forEach(function (button) {
    button.addEventListener("click", function () {
      var name = button.dataset.stage;
      off[name] = !off[name];
      button.setAttribute("aria-pressed", String(!off[name]));
      filter();
    });
  });
  function scale(factor, at) {
    var former = zoom, middle = scroll.scrollLeft + at;
    zoom = factor ? Math.min(200, Math.max(1, zoom * factor)) : 1;
    drawn.style.width = zoom * 100 + "%";
    scroll.scrollLeft = middle * zoom / former - at;
  }
  all("[data-zoom]").forEach(function (button) {
    button.addEventListener("click", function () { scale(parseFloat(button.dataset.zoom), scroll.clientWidth / 2); });
  });
  scroll.addEventListener("wheel", function (event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    scale(event.deltaY < 0 ? 1.25 : 0.8, event.clientX - scroll.getBoundingClientRect().left);
  }, { passive: false });
  scroll.addEventListener("keydown", function (event) {
    var factor = { "+": 2, "=": 2, "-": 0.5, "0": 0 }[event.key];
    if (factor === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    scale(factor, scroll.clientWidth / 2);
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || /INPUT|SELECT/.test(event.target.tagName)) return;
    event.preventDefault();
    search.focus();
  });
})();
