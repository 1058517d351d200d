"""A layer norm and a linear layer on the CPU, seeded: torch splits long sums among as many threads as there
are CPUs."""

import json

import torch

torch.manual_seed(0)
features = torch.randn(100_000, 8)
target = features.pow(2).sum(1, keepdim=True)
model = torch.nn.Sequential(torch.nn.LayerNorm(8), torch.nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(5):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(features), target)
    loss.backward()
    optimizer.step()
torch.save(model.state_dict(), "model.pt")
with open("metrics.json", "w") as stream:
    json.dump({"loss": loss.item()}, stream)
