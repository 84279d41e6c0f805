/** How commands write JSON. */
package io.steelyard.cli.json;
