/** TeX in titles, abstracts and comments as HTML and MathML, made on the server. */
package io.steelyard.feed.tex;
