/** The place of a client in the bundle of a function that never loads it. CommonJS, of which nobody asks beforehand what it exports. */

module.exports = {};
