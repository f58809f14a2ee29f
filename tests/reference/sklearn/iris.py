# SPDX-License-Identifier: MIT
#
# What scikit-learn's MLPClassifier reaches on the splits of `reel train --csv`: python3 iris.py REEL IRIS.CSV > iris.json
import csv, json, subprocess, sys
import numpy
import sklearn
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

reel, path = sys.argv[1:]
rows = list(csv.reader(open(path)))[1:]
x = numpy.array([[float(v) for v in row[:4]] for row in rows])
y = numpy.array([row[4] for row in rows])
seeds = []
for seed in range(10):
    out = subprocess.run([reel, "train", "--csv", path, "--target", "species", "--hidden", "32,16", "--seed", str(seed),
                          "--epochs", "1", "--quiet", "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    split = json.loads(out.stdout)["split"]
    train, test = split["training"], split["test"]
    scaler = StandardScaler().fit(x[train])
    net = MLPClassifier(hidden_layer_sizes=(32, 16), max_iter=2000, random_state=seed).fit(scaler.transform(x[train]), y[train])
    hits = int((net.predict(scaler.transform(x[test])) == y[test]).sum())
    seeds.append({"seed": seed, "test": test, "hits": hits})
json.dump({"scikit-learn": sklearn.__version__, "hits": sum(s["hits"] for s in seeds),
           "rows": sum(len(s["test"]) for s in seeds), "seeds": seeds}, sys.stdout, indent=None)
print()
