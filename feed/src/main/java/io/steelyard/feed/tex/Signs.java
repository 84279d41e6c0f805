package io.steelyard.feed.tex;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Formulas in plain characters, as well as that goes: {@code \ell_1} is ℓ_1, {@code O(n^2)} stays.
 */
final class Signs {

  private static final Map<String, String> NAMED =
      Map.ofEntries(
          Map.entry("alpha", "α"),
          Map.entry("beta", "β"),
          Map.entry("gamma", "γ"),
          Map.entry("delta", "δ"),
          Map.entry("epsilon", "ε"),
          Map.entry("varepsilon", "ε"),
          Map.entry("eta", "η"),
          Map.entry("theta", "θ"),
          Map.entry("kappa", "κ"),
          Map.entry("lambda", "λ"),
          Map.entry("mu", "μ"),
          Map.entry("nu", "ν"),
          Map.entry("pi", "π"),
          Map.entry("rho", "ρ"),
          Map.entry("sigma", "σ"),
          Map.entry("tau", "τ"),
          Map.entry("phi", "φ"),
          Map.entry("chi", "χ"),
          Map.entry("psi", "ψ"),
          Map.entry("omega", "ω"),
          Map.entry("Delta", "Δ"),
          Map.entry("Theta", "Θ"),
          Map.entry("Omega", "Ω"),
          Map.entry("Sigma", "Σ"),
          Map.entry("ell", "ℓ"),
          Map.entry("infty", "∞"),
          Map.entry("times", "×"),
          Map.entry("cdot", "·"),
          Map.entry("pm", "±"),
          Map.entry("leq", "≤"),
          Map.entry("le", "≤"),
          Map.entry("geq", "≥"),
          Map.entry("ge", "≥"),
          Map.entry("neq", "≠"),
          Map.entry("approx", "≈"),
          Map.entry("sim", "∼"),
          Map.entry("in", "∈"),
          Map.entry("to", "→"),
          Map.entry("rightarrow", "→"),
          Map.entry("sum", "∑"),
          Map.entry("prod", "∏"),
          Map.entry("sqrt", "√"),
          Map.entry("partial", "∂"),
          Map.entry("nabla", "∇"),
          Map.entry("ldots", "…"),
          Map.entry("dots", "…"));

  private static final Pattern COMMAND = Pattern.compile("\\\\([A-Za-z]+)\\s*");

  private Signs() {}

  static String in(String tex) {
    final String signs =
        COMMAND
            .matcher(tex)
            .replaceAll(
                match ->
                    Matcher.quoteReplacement(
                        switch (match.group(1)) {
                          case "mathcal",
                              "mathbb",
                              "mathrm",
                              "mathbf",
                              "bf",
                              "text",
                              "textrm",
                              "operatorname",
                              "left",
                              "right",
                              "rm",
                              "boldsymbol",
                              "bm",
                              "mbox",
                              "mathscr",
                              "mathit" ->
                              "";
                          default -> NAMED.getOrDefault(match.group(1), match.group(1));
                        }));
    return signs.replaceAll("\\\\[,;!: ]", " ").replaceAll("\\\\(.)", "$1").replaceAll("[{}]", "");
  }
}
